# SPDX-License-Identifier: MIT
# Turns text files into C string literals, for an #include in an initialiser:
# one string for each file, in the order of the files.
#
#	-v comment=REGEX   removes what matches, then the blanks around each
#	                   line and the blank lines
#	-v prefix=LUA_     makes each file a struct, at its own index of an array:
#	                   touch.lua becomes [LUA_TOUCH] = { "..." }
#	-v each=line       makes a string of each line, without its newline; with
#	                   a prefix they are the members of the struct
#	-v second=EXPR     adds a second member to the struct
function open_string(name) {
	sub(/.*\//, "", name)
	print "/* " name " */"
	sub(/[.][^.]*$/, "", name)
	if (prefix != "")
		print "[" prefix toupper(name) "] = {"
}
function put(line) {
	if (comment != "") {
		sub(comment, "", line)
		sub(/^[ \t]+/, "", line)
		sub(/[ \t]+$/, "", line)
		if (line == "")
			return
	}
	gsub(/\\/, "&&", line)
	gsub(/"/, "\\\"", line)
	print "\"" line (each == "line" ? "\"," : "\\n\"")
}
function fail(why) {
	print "embed.awk: " why >"/dev/stderr"
	failed = 1
	exit 1
}
function close_string() {
	if (each != "line" || prefix != "")
		print prefix == "" ? "," : second == "" ? "}," : ", " second " },"
}
FNR == 1 {
	if (files++ > 0)
		close_string()
	open_string(FILENAME)
}
{
	put($0)
}
END {
	if (failed)
		exit 1
	if (files != ARGC - 1)
		fail("a file is empty or missing")
	close_string()
}
