// SPDX-License-Identifier: MIT
// A typical check on Node.js: it answers 204 with the user name, or 401.
//
//	server.js KIND ALGORITHM KEY SOCKET ISSUER AUDIENCE
import { createServer } from 'node:http';
import { createPublicKey, createSecretKey } from 'node:crypto';
import { readFileSync, chmodSync } from 'node:fs';
import { createVerifier } from 'fast-jwt';
import jsonwebtoken from 'jsonwebtoken';

const [kind, algorithm, file, socket, issuer, audience] =
	process.argv.slice(2);
const key = readFileSync(file);

const fast = cache => createVerifier({
	key, algorithms: [algorithm], cache,
	allowedIss: issuer, allowedAud: audience,
});
const kinds = {
	'fast-jwt': () => fast(false),
	'fast-jwt with its cache': () => fast(100000),
	// The key is parsed once; otherwise it would be parsed for each token.
	'jsonwebtoken': () => {
		const parsed = algorithm.startsWith('HS') ?
			createSecretKey(key) : createPublicKey(key);
		return token => jsonwebtoken.verify(token, parsed,
			{ algorithms: [algorithm], issuer, audience });
	},
};
const verify = kinds[kind]();

createServer((request, response) => {
	const [, token] = (request.headers.authorization || '')
		.match(/^Bearer (.+)$/) || [];
	try {
		const claims = verify(token);
		response.writeHead(204, {
			'Remote-User': claims.sub,
			'Remote-Groups': claims.roles.join(','),
		});
	} catch {
		response.writeHead(401);
	}
	response.end();
}).listen(socket, () => chmodSync(socket, 0o666));
