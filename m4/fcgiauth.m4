# SPDX-License-Identifier: MIT

# FCGIAUTH_FLAG(VARIABLE, FLAG): appends FLAG to VARIABLE (AM_CFLAGS or
# AM_LDFLAGS) when compiler and linker take it without a warning.
AC_DEFUN([FCGIAUTH_FLAG], [
  AS_VAR_PUSHDEF([cache], [fcgiauth_cv_flag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    fcgiauth_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cache], [yes])],
      [AS_VAR_SET([cache], [no])])
    CFLAGS=$fcgiauth_cflags
  ])
  AS_VAR_IF([cache], [yes], [$1="$$1 $2"])
  AS_VAR_POPDEF([cache])
])

# FCGIAUTH_FORTIFY(VARIABLE): the highest level of _FORTIFY_SOURCE that
# compiler and libc have; 3 needs GCC 12 or clang 9, and glibc 2.34.
AC_DEFUN([FCGIAUTH_FORTIFY], [
  AC_CACHE_CHECK([for the level of _FORTIFY_SOURCE], [fcgiauth_cv_fortify], [
    fcgiauth_cppflags=$CPPFLAGS
    CPPFLAGS="$CPPFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
      #include <string.h>
      #if !defined __USE_FORTIFY_LEVEL || __USE_FORTIFY_LEVEL < 3
      #error "lower"
      #endif
    ]])], [fcgiauth_cv_fortify=3], [fcgiauth_cv_fortify=2])
    CPPFLAGS=$fcgiauth_cppflags
  ])
  $1="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$fcgiauth_cv_fortify"
])

# FCGIAUTH_WITH(NAME, MODULE, VARIABLE, PACKAGE, PART): --with-NAME=auto|yes|no
# for an optional part; yes makes a missing library fatal.
AC_DEFUN([FCGIAUTH_WITH], [
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--with-$1=auto|yes|no], [build the $5])],
    [], [with_$1=auto])
  AS_IF([test "x$with_$1" != xno], [
    PKG_CHECK_MODULES([$3], [$2], [
      with_$1=yes
    ], [
      AS_IF([test "x$with_$1" = xyes],
        [AC_MSG_ERROR([$2 not found by pkg-config: install $4, or say --without-$1])])
      AC_MSG_WARN([$2 not found (package $4): no $5])
      with_$1=no
    ])
  ])
  AM_CONDITIONAL([HAVE_$3], [test "x$with_$1" = xyes])
])

# FCGIAUTH_NEED(VARIABLE, MODULE, PACKAGE): a library that must be there.
AC_DEFUN([FCGIAUTH_NEED], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 not found by pkg-config: install it (Debian: $3)])])
])
