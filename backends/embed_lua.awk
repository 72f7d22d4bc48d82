# SPDX-License-Identifier: MIT
# Turns Lua files into initialisers of an array of struct redis_script: the
# text of touch.lua becomes [LUA_TOUCH].  Comments ("--") and blank lines go.
FNR == 1 {
	if (NR > 1)
		print "},"
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/[.]lua$/, "", name)
	print "[LUA_" toupper(name) "] = {"
}
/["\\]/ {
	print FILENAME ":" FNR ": needs no quote or backslash" > "/dev/stderr"
	failed = 1
	exit 1
}
{
	sub(/--.*/, "")
	sub(/^[ \t]+/, "")
	sub(/[ \t]+$/, "")
}
length($0) > 0 { print "\"" $0 "\\n\"" }
END {
	if (failed || NR == 0)
		exit 1
	print "},"
}
