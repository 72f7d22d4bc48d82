# SPDX-License-Identifier: MIT
# Turns text files into C string literals, for an #include in an initialiser:
# one string for each file, in the order of the files.
#
#	-v comment=REGEX   removes what matches, then the blanks around each
#	                   line and the blank lines
#	-v prefix=LUA_     makes each file a struct, at its own index of an array:
#	                   touch.lua becomes [LUA_TOUCH] = { "..." }
#	-v each=line       makes a string of each line, without its newline
function open_string(name) {
	sub(/.*\//, "", name)
	print "/* " name " */"
	sub(/[.][^.]*$/, "", name)
	if (prefix != "")
		print "[" prefix toupper(name) "] = {"
}
function close_string() {
	if (each != "line")
		print prefix != "" ? "}," : ","
}
FNR == 1 {
	if (files++ > 0)
		close_string()
	open_string(FILENAME)
}
comment != "" {
	sub(comment, "")
	sub(/^[ \t]+/, "")
	sub(/[ \t]+$/, "")
	if ($0 == "")
		next
}
{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	print "\"" $0 (each == "line" ? "\"," : "\\n\"")
}
END {
	if (files != ARGC - 1) {
		print "embed.awk: a file is empty or missing" >"/dev/stderr"
		exit 1
	}
	close_string()
}
