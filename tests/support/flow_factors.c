/* SPDX-License-Identifier: MIT */
/* The factor store of a service that is a function. */
#include "tests/support/flow.h"

#include <check.h>

#include "strategy/registry.h"

void
flow_open_factors(struct flow *f)
{
	struct err err;

	factors_faulty_init(&f->factors_faulty, registry_factor_store("memory"),
			    NULL);
	if (factors_open(&f->factors_faulty.ops, &f->factors_faulty,
			 &f->fake.env, &f->factors, &err) != 0)
		ck_abort_msg("%s", err.msg);
	f->conns.factors = factors_conn_new(&f->fake.env);
	factors_conn_bind(f->conns.factors, f->factors);
}

void
flow_no_factors(struct flow *f)
{
	factors_conn_bind(f->conns.factors, NULL);
}

void
flow_must_change(struct flow *f, bool must)
{
	const struct account_change change = { .user = STR("alice"),
					       .fields = ACCOUNT_MUST_CHANGE,
					       .must_change = must };
	struct err err;

	ck_assert_int_eq(factors_account_set(f->conns.factors,
					     flow_call(f, 1000 * FAKE_NOW),
					     &change, &err),
			 0);
}

bool
flow_has_to_change(struct flow *f)
{
	struct account account;
	struct err err;

	ck_assert_int_eq(factors_account(f->conns.factors,
					 flow_call(f, 1000 * FAKE_NOW),
					 STR("alice"), &account, &err),
			 0);
	return account.must_change;
}
