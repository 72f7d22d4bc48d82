/* SPDX-License-Identifier: MIT */
/* The keys that choose a driver. */
#include "conf/sections.h"

const struct tables_selector select_mode = {
	.key = "mode",
	.def = "session",
	.kind = KIND_MODES,
	.choice = offsetof(struct settings, mode),
	.own_section = true,
	.help = "What a sign-in turns into. Each mode has a section with its "
		"name; the sections of modes that are not chosen are checked, "
		"but otherwise unused.",
};

const struct tables_selector select_store = {
	.key = "driver",
	.def = "sqlite",
	.kind = KIND_STORES,
	.choice = offsetof(struct settings, store),
	.help = "The kind of store. The other keys of this section are those "
		"of the driver chosen here.",
};

const struct tables_selector select_users = {
	.key = "driver",
	.def = "sqlite",
	.kind = KIND_USERS,
	.choice = offsetof(struct settings, users),
	.help = "The kind of user source. The other keys of this section are "
		"those of the driver chosen here.",
};

const struct tables_selector select_factors = {
	.key = "driver",
	.def = SETTINGS_AUTO,
	.kind = KIND_FACTORS,
	.choice = offsetof(struct settings, factors),
	.help = "The kind of factor store. The other keys of this section are "
		"those of the driver chosen here. With auto, it is where the "
		"users are, if they are in sqlite, or in postgres in the table "
		"of the service; else where the store is, if that is sqlite or "
		"postgres and the mode uses it; else it is none. The option "
		"--dump-config of fcgiauthd shows what auto stands for.",
};
