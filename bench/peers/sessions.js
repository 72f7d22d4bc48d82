// SPDX-License-Identifier: MIT
// Sessions by express-session in Redis by connect-redis, with their defaults.
// /check answers 204 with the user name, or 401; /sign-in begins a session.
//
//	sessions.js SOCKET REDIS-SOCKET
import { chmodSync } from 'node:fs';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createClient } from 'redis';

const [socket, path] = process.argv.slice(2);
const client = createClient({ socket: { path } });
await client.connect();

const app = express();
app.use(session({
	store: new RedisStore({ client, prefix: 'express:' }),
	secret: 'only for the benchmark',
	resave: false,
	saveUninitialized: false,
}));
app.get('/sign-in', (request, response) => {
	request.session.user = 'alice';
	request.session.roles = ['admin', 'staff'];
	response.status(204).end();
});
app.get('/check', (request, response) => {
	if (!request.session.user)
		return response.status(401).end();
	response.set('Remote-User', request.session.user);
	response.set('Remote-Groups', request.session.roles.join(','));
	response.status(204).end();
});
app.listen(socket, () => chmodSync(socket, 0o666));
