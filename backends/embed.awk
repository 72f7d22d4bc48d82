# SPDX-License-Identifier: MIT
# Turns SQL files into C string literals, one for each file, in their order,
# for an #include in an initialiser.  Comments ("--") and blank lines go.
FNR == 1 {
	if (NR > 1)
		print ","
	name = FILENAME
	sub(/.*\//, "", name)
	print "/* " name " */"
}
/\\/ {
	print FILENAME ":" FNR ": needs no backslash" > "/dev/stderr"
	failed = 1
	exit 1
}
{
	sub(/--.*/, "")
	sub(/^[ \t]+/, "")
	sub(/[ \t]+$/, "")
	gsub(/"/, "\\\"")
}
length($0) > 0 { print "\"" $0 "\\n\"" }
END {
	if (failed || NR == 0)
		exit 1
	print ","
}
