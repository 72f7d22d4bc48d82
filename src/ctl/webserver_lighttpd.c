/* SPDX-License-Identifier: MIT */
/* Does Apache ask the service wherever it should? */
#include "ctl/webserver.h"
#include "base/err.h"
int
lighttpd_parse(const struct web_source *source, struct arena *a,
	       struct web_node *out, struct err *err)
{
	(void)source;
	(void)a;
	(void)out;
	return err_set(err, ERR_INPUT, "not yet");
}
void
lighttpd_check(const struct web_node *root, struct web_findings *out)
{
	(void)root;
	(void)out;
}
