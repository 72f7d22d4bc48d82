# SPDX-License-Identifier: MIT

libfcgiauth_a_SOURCES += src/pages/template.c src/pages/template.h

# One file for each page; enum page in template.h has a value for each of them.
PAGES = \
	$(srcdir)/src/pages/continue.html \
	$(srcdir)/src/pages/forbidden.html \
	$(srcdir)/src/pages/login.html \
	$(srcdir)/src/pages/logout.html \
	$(srcdir)/src/pages/message.html \
	$(srcdir)/src/pages/signed_out.html \
	$(srcdir)/src/pages/too_long.html \
	$(srcdir)/src/pages/unsent.html
src/pages/pages.inc: $(PAGES) $(srcdir)/src/pages/local.mk $(EMBED_AWK)
	$(EMBED) -v prefix=PAGE_ $(PAGES) >$@.tmp && mv $@.tmp $@

PAGE_STYLE = $(srcdir)/src/pages/style.css
src/pages/style.inc: $(PAGE_STYLE) $(EMBED_AWK)
	$(EMBED) $(PAGE_STYLE) >$@.tmp && mv $@.tmp $@

src/pages/template.$(OBJEXT): src/pages/pages.inc src/pages/style.inc
EXTRA_DIST += $(PAGES) $(PAGE_STYLE) src/pages/README.md
BUILT_SOURCES += src/pages/pages.inc src/pages/style.inc
CLEANFILES += src/pages/pages.inc src/pages/style.inc
