# SPDX-License-Identifier: MIT
# Turns the catalogues of src/pages/texts into C: for each file a sorted array
# of keys and texts, and then the array of all catalogues in the order of the
# arguments.
function fail(why) {
	print FILENAME ":" FNR ": " why >"/dev/stderr"
	failed = 1
	exit 1
}
function quote(text) {
	gsub(/\\/, "&&", text)
	gsub(/"/, "\\\"", text)
	gsub(/[?]/, "\\?", text)
	return "\"" text "\""
}
# Inserts the key into the sorted list keys[1..n].
function insert(key,    i) {
	for (i = n; i > 0 && keys[i] > key; i--)
		keys[i + 1] = keys[i]
	keys[i + 1] = key
	n++
}
function finish(    i) {
	print "static const struct page_text texts_" lang "[] = {"
	for (i = 1; i <= n; i++)
		print "\t{ " quote(keys[i]) ", " quote(text[keys[i]]) " },"
	print "};"
	all = all "\t{ \"" lang "\", texts_" lang ", " n " },\n"
}
function begin() {
	lang = FILENAME
	sub(/.*\//, "", lang)
	sub(/[.]txt$/, "", lang)
	if (lang !~ /^[a-z][a-z]$/)
		fail("the name of a catalogue is that of a language: de.txt")
	split("", text)
	split("", keys)
	n = 0
}
FNR == 1 {
	if (files++ > 0)
		finish()
	begin()
}
/^#/ || /^$/ { next }
{
	at = index($0, " = ")
	key = substr($0, 1, at - 1)
	if (at == 0 || key !~ /^[a-z][a-z0-9_]*([.][a-z0-9_]+)*([{][a-z]+[}])?$/)
		fail("must be: place.name = text")
	if (key in text)
		fail(key " occurs twice")
	insert(key)
	text[key] = substr($0, at + 3)
}
END {
	if (failed)
		exit 1
	if (files != ARGC - 1)
		fail("a catalogue is empty or missing")
	finish()
	print "static const struct catalogue built_in[] = {"
	printf "%s", all
	print "};"
}
