// SPDX-License-Identifier: MIT
// The counterpart of tests/e2e/jose.t. It reads a list of tasks as JSON, does
// them with the package jose, and writes the list of results.
import * as jose from 'jose';
import { createSecretKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';

const isHmac = alg => alg.startsWith('HS');
const bytesOf = { HS256: 32, HS384: 48, HS512: 64 };

// Returns a new key as PEM or JWK for the import by the service, the JWK, and
// the key id.
async function generate({ alg, format }) {
	if (isHmac(alg)) {
		const secret = createSecretKey(randomBytes(bytesOf[alg]));
		const jwk = { ...await jose.exportJWK(secret), alg };
		return { file: JSON.stringify(jwk), jwk };
	}
	const options = { extractable: true, modulusLength: 2048 };
	const pair = await jose.generateKeyPair(alg, options);
	const jwk = { ...await jose.exportJWK(pair.privateKey), alg };
	return {
		file: format === 'pem' ?
			await jose.exportPKCS8(pair.privateKey) :
			JSON.stringify(jwk),
		jwk,
		kid: await jose.calculateJwkThumbprint(jwk),
	};
}

async function sign({ alg, jwk, header, claims }) {
	const key = await jose.importJWK(jwk, alg);
	const token = await new jose.SignJWT(claims)
		.setProtectedHeader({ alg, ...header }).sign(key);
	return { token };
}

// Verifies a token with the key set of the service, or with a file that has its
// secret.
async function verify({ token, jwks, secret_file, alg, typ, issuer,
	audience }) {
	const key = secret_file ? new Uint8Array(readFileSync(secret_file)) :
		jose.createRemoteJWKSet(new URL(jwks));
	const { payload, protectedHeader } = await jose.jwtVerify(token, key, {
		algorithms: [alg], typ, issuer, audience,
		requiredClaims: ['iss', 'aud', 'sub', 'client_id', 'exp',
			'iat', 'jti', 'sid'],
	});
	return { payload, header: protectedHeader };
}

const tasks = { generate, sign, verify };
const results = [];
for (const task of JSON.parse(readFileSync(0, 'utf8'))) {
	try {
		results.push(await tasks[task.do](task));
	} catch (e) {
		results.push({ error: e.code || String(e) });
	}
}
process.stdout.write(JSON.stringify(results));
