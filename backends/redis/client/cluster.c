/* SPDX-License-Identifier: MIT */
/*
 * The map of a Redis Cluster, read by CLUSTER SLOTS, which all versions have.
 * A refresh makes a new map and moves the connections to it.
 */
#include "backends/redis/client/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "backends/redis/client/wire_error.h"
#include "base/arena.h"

#define NODES_MAX 2000
#define NOBODY	  UINT16_MAX

struct node {
	struct redis_address at;
	struct redis_wire *wire; /* NULL: not connected */
};

struct map {
	uint16_t owners[REDIS_SLOTS]; /* indexes of nodes, or NOBODY */
	struct node *nodes; /* masters and replicas */
	size_t n, cap;
};

struct redis_cluster {
	const struct redis_server *server;
	struct map *map;
};

/* CRC-16/XMODEM */
static unsigned
crc16(struct str s)
{
	unsigned crc = 0;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned)(unsigned char)s.p[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 :
						    crc << 1;
		crc &= 0xffff;
	}
	return crc;
}

unsigned
redis_slot(struct str key)
{
	struct str tag = str_skip(key, str_find(key, '{') + 1);
	size_t end = str_find(tag, '}');

	if (end > 0 && end < tag.n)
		key = (struct str){ .p = tag.p, .n = end };
	return crc16(key) % REDIS_SLOTS;
}

static struct map *
map_new(void)
{
	struct map *m = calloc(1, sizeof(*m));

	if (m != NULL)
		memset(m->owners, 0xff, sizeof(m->owners));
	return m;
}

static void
map_free(struct map *m)
{
	for (size_t i = 0; i < m->n; i++)
		redis_wire_close(m->nodes[i].wire);
	free(m->nodes);
	free(m);
}

struct redis_cluster *
redis_cluster_new(const struct redis_server *s)
{
	struct redis_cluster *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->server = s;
	c->map = map_new();
	if (c->map == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void
redis_cluster_free(struct redis_cluster *c)
{
	if (c == NULL)
		return;
	map_free(c->map);
	free(c);
}

static bool
cluster_same(const struct redis_address *a, const struct redis_address *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

static struct node *
cluster_find(const struct map *m, const struct redis_address *at)
{
	for (size_t i = 0; i < m->n; i++)
		if (cluster_same(&m->nodes[i].at, at))
			return &m->nodes[i];
	return NULL;
}

/* Sets *index to the node of an address, and adds it if it is new. */
static int
cluster_find_or_add(struct map *m, const struct redis_address *at,
		    size_t *index, struct err *err)
{
	const struct node *node = cluster_find(m, at);

	if (node != NULL) {
		*index = (size_t)(node - m->nodes);
		return 0;
	}
	if (m->n == m->cap) {
		size_t cap = m->cap == 0 ? 16 : 2 * m->cap;
		struct node *nodes;

		if (m->n >= NODES_MAX)
			return err_set(
			    err, ERR_UNAVAILABLE,
			    "CLUSTER SLOTS: must have at most %d servers",
			    NODES_MAX);
		nodes = realloc(m->nodes, cap * sizeof(*nodes));
		if (nodes == NULL)
			return err_nomem(err);
		m->nodes = nodes;
		m->cap = cap;
	}
	m->nodes[m->n] = (struct node){ .at = *at };
	*index = m->n++;
	return 0;
}

/* An empty or nil host stands for that of `from`. */
static bool
make_address(struct str host, int64_t port, const struct redis_address *from,
	     struct redis_address *out)
{
	if (host.n == 0)
		host = str_from(from->host);
	if (host.n >= sizeof(out->host) || port <= 0 || port > UINT16_MAX)
		return false;
	*out = (struct redis_address){ .port = (uint16_t)port };
	memcpy(out->host, host.p, host.n);
	return true;
}

/* Reads [host, port, id, ...]. */
static int
cluster_add_node(struct map *m, const redisReply *r,
		 const struct redis_address *from, size_t *index,
		 struct err *err)
{
	struct redis_address at;

	if (r->type != REDIS_REPLY_ARRAY || r->elements < 2 ||
	    !make_address(redis_reply_str(r->element[0]),
			  r->element[1]->integer, from, &at))
		return err_set(err, ERR_UNAVAILABLE,
			       "CLUSTER SLOTS: an address is missing");
	return cluster_find_or_add(m, &at, index, err);
}

/* Reads [first, last, master, replica, ...]. Replicas are kept, too, because
 * they can be asked for the map. */
static int
add_range(struct map *m, const redisReply *r, const struct redis_address *from,
	  struct err *err)
{
	long long first, last;
	size_t owner, replica;

	if (r->type != REDIS_REPLY_ARRAY || r->elements < 3)
		return err_set(err, ERR_UNAVAILABLE,
			       "CLUSTER SLOTS: unexpected reply");
	first = r->element[0]->integer;
	last = r->element[1]->integer;
	if (first < 0 || last < first || last >= REDIS_SLOTS)
		return err_set(err, ERR_UNAVAILABLE,
			       "CLUSTER SLOTS: slots out of range");
	if (cluster_add_node(m, r->element[2], from, &owner, err) != 0)
		return -1;
	for (size_t i = 3; i < r->elements; i++)
		if (cluster_add_node(m, r->element[i], from, &replica, err) !=
		    0)
			return -1;
	for (long long slot = first; slot <= last; slot++)
		m->owners[slot] = (uint16_t)owner;
	return 0;
}

static int
read_map(const redisReply *r, const struct redis_address *from,
	 struct map **out, struct err *err)
{
	struct map *m = map_new();

	if (m == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < r->elements; i++) {
		if (add_range(m, r->element[i], from, err) != 0) {
			map_free(m);
			return -1;
		}
	}
	*out = m;
	return 0;
}

static void
replace_map(struct redis_cluster *c, struct map *m)
{
	for (size_t i = 0; i < c->map->n; i++) {
		struct node *old = &c->map->nodes[i];
		struct node *node = cluster_find(m, &old->at);

		if (node != NULL) {
			node->wire = old->wire;
			old->wire = NULL;
		}
	}
	map_free(c->map);
	c->map = m;
}

static int
ask_wire(struct redis_cluster *c, struct redis_wire *w, int64_t deadline_ms,
	 struct err *err)
{
	const struct str argv[] = { STR("CLUSTER"), STR("SLOTS") };
	redisReply *reply;
	struct map *m = NULL;
	int result;

	if (redis_wire_call(w, argv, ARRAY_LEN(argv), deadline_ms, &reply,
			    err) != 0)
		return -1;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
		result = err_set(err, ERR_UNAVAILABLE,
				 "CLUSTER SLOTS: no server has a slot yet");
	else
		result = read_map(reply, redis_wire_address(w), &m, err);
	freeReplyObject(reply);
	if (result != 0)
		return redis_wire_add_peer(redis_wire_address(w), err);
	replace_map(c, m);
	return 0;
}

/* Uses the connection of the node, if it has one that is not stale. */
static int
cluster_ask(struct redis_cluster *c, const struct redis_address *at,
	    int64_t deadline_ms, struct err *err)
{
	const struct redis_server *s = c->server;
	struct redis_address copy = *at; /* its map may be freed */
	struct node *node = cluster_find(c->map, &copy);
	struct redis_wire *w = NULL;
	int result;

	if (node != NULL) {
		w = node->wire;
		node->wire = NULL;
	}
	if (w != NULL && redis_wire_is_stale(w)) {
		redis_wire_close(w);
		w = NULL;
	}
	if (w == NULL && redis_wire_open(&copy, &s->target.login, s->env,
					 deadline_ms, &w, err) != 0)
		return -1;
	result = ask_wire(c, w, deadline_ms, err);
	node = cluster_find(c->map, &copy);
	if (result == 0 && node != NULL)
		node->wire = w;
	else
		redis_wire_close(w);
	return result;
}

int
redis_cluster_refresh(struct redis_cluster *c, const struct redis_address *hint,
		      int64_t deadline_ms, struct err *err)
{
	const struct redis_server *s = c->server;
	const struct redis_addresses *seeds = &s->target.servers;
	size_t known = c->map->n, left = known + seeds->n;

	if (hint != NULL &&
	    cluster_ask(c, hint, redis_share(s->env, deadline_ms, left + 1),
			err) == 0)
		return 0;
	for (size_t i = 0; i < known; i++, left--)
		if (cluster_ask(c, &c->map->nodes[i].at,
				redis_share(s->env, deadline_ms, left),
				err) == 0)
			return 0;
	for (size_t i = 0; i < seeds->n; i++, left--)
		if (cluster_ask(c, &seeds->v[i],
				redis_share(s->env, deadline_ms, left),
				err) == 0)
			return 0;
	return -1;
}

static bool
same_owners(const struct map *a, const struct map *b)
{
	unsigned x = NOBODY, y = NOBODY;

	for (size_t i = 0; i < REDIS_SLOTS; i++) {
		if (a->owners[i] == x && b->owners[i] == y)
			continue;
		x = a->owners[i];
		y = b->owners[i];
		if ((x == NOBODY) != (y == NOBODY) ||
		    (x != NOBODY &&
		     !cluster_same(&a->nodes[x].at, &b->nodes[y].at)))
			return false;
	}
	return true;
}

int
redis_cluster_compare(const struct redis_cluster *c, const redisReply *reply,
		      const struct redis_address *from, bool *same,
		      struct err *err)
{
	struct map *m;

	if (reply->type != REDIS_REPLY_ARRAY)
		return err_set(err, ERR_UNAVAILABLE,
			       "CLUSTER SLOTS: unexpected reply");
	if (read_map(reply, from, &m, err) != 0)
		return -1;
	*same = same_owners(c->map, m);
	map_free(m);
	return 0;
}

int
redis_cluster_moved(struct redis_cluster *c, unsigned slot,
		    const struct redis_address *at, struct err *err)
{
	size_t owner;

	if (cluster_find_or_add(c->map, at, &owner, err) != 0)
		return -1;
	c->map->owners[slot] = (uint16_t)owner;
	return 0;
}

const struct redis_address *
redis_cluster_owner(const struct redis_cluster *c, unsigned slot)
{
	uint16_t owner = c->map->owners[slot];

	return owner == NOBODY ? NULL : &c->map->nodes[owner].at;
}

static void
close_wire(struct node *node)
{
	redis_wire_close(node->wire);
	node->wire = NULL;
}

void
redis_cluster_drop_stale(struct redis_cluster *c)
{
	for (size_t i = 0; i < c->map->n; i++) {
		struct node *node = &c->map->nodes[i];

		if (node->wire != NULL && redis_wire_is_stale(node->wire))
			close_wire(node);
	}
}

static bool
answers(struct redis_wire *w, int64_t deadline_ms)
{
	struct err ignored; /* the result says enough */
	redisReply *reply;

	if (redis_wire_read(w, deadline_ms, &reply, &ignored) != 0)
		return false;
	freeReplyObject(reply);
	return true;
}

void
redis_cluster_drop_dead(struct redis_cluster *c, int64_t deadline_ms)
{
	const struct str ping[] = { STR("PING") };
	struct err ignored;

	redis_cluster_drop_stale(c);
	for (size_t i = 0; i < c->map->n; i++) {
		struct node *node = &c->map->nodes[i];

		if (node->wire != NULL &&
		    (redis_wire_queue(node->wire, ping, 1, &ignored) != 0 ||
		     redis_wire_flush(node->wire, deadline_ms, &ignored) != 0))
			close_wire(node);
	}
	for (size_t i = 0; i < c->map->n; i++) {
		struct node *node = &c->map->nodes[i];

		if (node->wire != NULL && !answers(node->wire, deadline_ms))
			close_wire(node);
	}
}

int
redis_cluster_wire(struct redis_cluster *c, const struct redis_address *at,
		   int64_t deadline_ms, struct redis_wire **out,
		   struct err *err)
{
	const struct redis_server *s = c->server;
	struct node *node;
	size_t index;

	if (cluster_find_or_add(c->map, at, &index, err) != 0)
		return -1;
	node = &c->map->nodes[index];
	if (node->wire == NULL &&
	    redis_wire_open(&node->at, &s->target.login, s->env, deadline_ms,
			    &node->wire, err) != 0)
		return -1;
	*out = node->wire;
	return 0;
}

static bool
has_slots(const struct map *m, size_t index)
{
	for (size_t i = 0; i < REDIS_SLOTS; i++)
		if (m->owners[i] == index)
			return true;
	return false;
}

int
redis_cluster_masters(const struct redis_cluster *c, struct arena *a,
		      struct redis_addresses *out, struct err *err)
{
	struct redis_addresses list = { .v = arena_array(a, c->map->n,
							 sizeof(*list.v)) };

	if (list.v == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < c->map->n; i++)
		if (has_slots(c->map, i))
			list.v[list.n++] = c->map->nodes[i].at;
	*out = list;
	return 0;
}

int
redis_cluster_target(const redisReply *reply, const struct redis_address *from,
		     unsigned *slot, struct redis_address *at, struct err *err)
{
	struct str rest = redis_reply_str(reply), word, number, host;
	int64_t n, port;
	size_t colon;

	if (!str_word(&rest, &word) || !str_word(&rest, &number) ||
	    !str_word(&rest, &host) ||
	    !str_to_uint(number, REDIS_SLOTS - 1, &n))
		return err_set(err, ERR_UNAVAILABLE,
			       "redirection: unexpected reply");
	for (colon = host.n; colon > 0 && host.p[colon - 1] != ':'; colon--)
		;
	if (colon == 0 ||
	    !str_to_uint(str_skip(host, colon), UINT16_MAX, &port) ||
	    !make_address((struct str){ .p = host.p, .n = colon - 1 }, port,
			  from, at))
		return err_set(err, ERR_UNAVAILABLE,
			       "redirection: an address is missing");
	*slot = (unsigned)n;
	return 0;
}
