# SPDX-License-Identifier: MIT

libfcgiauth_a_SOURCES += \
	src/pages/accent.c src/pages/accent.h \
	src/pages/catalogue.c src/pages/catalogue.h \
	src/pages/language.c src/pages/language.h \
	src/pages/logo.c src/pages/logo.h \
	src/pages/own.c src/pages/own.h \
	src/pages/own_check.c src/pages/own_check.h \
	src/pages/own_texts.c src/pages/own_texts.h \
	src/pages/pages.c src/pages/pages.h \
	src/pages/plural.c src/pages/plural.h \
	src/pages/template.c src/pages/template.h

# One file for each page; enum page in template.h has a value for each of them.
PAGES = \
	$(srcdir)/src/pages/account.html \
	$(srcdir)/src/pages/continue.html \
	$(srcdir)/src/pages/forgot.html \
	$(srcdir)/src/pages/frame.html \
	$(srcdir)/src/pages/login.html \
	$(srcdir)/src/pages/logout.html \
	$(srcdir)/src/pages/new_password.html \
	$(srcdir)/src/pages/refusal.html \
	$(srcdir)/src/pages/signed_out.html \
	$(srcdir)/src/pages/too_long.html \
	$(srcdir)/src/pages/unsent.html
src/pages/pages.inc: $(PAGES) $(srcdir)/src/pages/local.mk $(EMBED_AWK)
	$(EMBED) -v prefix=PAGE_ -v each=line $(PAGES) >$@.tmp && mv $@.tmp $@

# The names of the files.
src/pages/names.inc: $(srcdir)/src/pages/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && for file in $(PAGES); do \
		name=`basename $$file .html`; \
		upper=`echo $$name | tr a-z A-Z`; \
		echo "[PAGE_$$upper] = \"$$name.html\","; \
	done >$@.tmp && mv $@.tmp $@

PAGE_FILES = \
	$(srcdir)/src/pages/icon.svg \
	$(srcdir)/src/pages/page.js \
	$(srcdir)/src/pages/style.css
src/pages/files.inc: $(PAGE_FILES) $(srcdir)/src/pages/local.mk $(EMBED_AWK)
	$(EMBED) -v prefix=FILE_ -v each=line $(PAGE_FILES) >$@.tmp && \
		mv $@.tmp $@

# The catalogues, in the order in which the pages list the languages. English is
# the first one.
TEXTS = \
	$(srcdir)/src/pages/texts/en.txt \
	$(srcdir)/src/pages/texts/ar.txt \
	$(srcdir)/src/pages/texts/cs.txt \
	$(srcdir)/src/pages/texts/de.txt \
	$(srcdir)/src/pages/texts/es.txt \
	$(srcdir)/src/pages/texts/fr.txt \
	$(srcdir)/src/pages/texts/it.txt \
	$(srcdir)/src/pages/texts/ja.txt \
	$(srcdir)/src/pages/texts/ko.txt \
	$(srcdir)/src/pages/texts/nl.txt \
	$(srcdir)/src/pages/texts/pl.txt \
	$(srcdir)/src/pages/texts/pt.txt \
	$(srcdir)/src/pages/texts/sv.txt \
	$(srcdir)/src/pages/texts/tr.txt \
	$(srcdir)/src/pages/texts/uk.txt \
	$(srcdir)/src/pages/texts/zh.txt
TEXTS_AWK = $(srcdir)/scripts/texts.awk
src/pages/texts.inc: $(TEXTS) $(srcdir)/src/pages/local.mk $(TEXTS_AWK)
	$(AM_V_GEN)$(MKDIR_P) $(@D) && LC_ALL=C $(AWK) -f $(TEXTS_AWK) $(TEXTS) \
		>$@.tmp && mv $@.tmp $@

# Where administrators find what they can change.
pagesdir = $(pkgdatadir)/pages
pages_DATA = $(PAGES) $(PAGE_FILES) $(srcdir)/src/pages/README.md
textsdir = $(pagesdir)/texts
texts_DATA = $(TEXTS)

src/pages/template.$(OBJEXT): src/pages/pages.inc src/pages/files.inc \
	src/pages/names.inc
src/pages/catalogue.$(OBJEXT): src/pages/texts.inc
EXTRA_DIST += $(PAGES) $(PAGE_FILES) $(TEXTS) $(TEXTS_AWK) src/pages/README.md
BUILT_SOURCES += src/pages/pages.inc src/pages/files.inc src/pages/names.inc \
	src/pages/texts.inc
CLEANFILES += src/pages/pages.inc src/pages/files.inc src/pages/names.inc \
	src/pages/texts.inc
