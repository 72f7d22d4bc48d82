# SPDX-License-Identifier: MIT
# A small image that runs without any right.  The configuration may be readable
# to user 65532 only, when there are secrets in it.
#
# docker build -t fcgiauth .
# docker run -v fcgiauth:/var/lib/fcgiauth \
#     -v ./fcgiauth.ini:/etc/fcgiauth/fcgiauth.ini:ro fcgiauth
#
# The web server is in another container: listen on 0.0.0.0:9000 and set
# server.peer_secret, or share a volume for a unix socket.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
	autoconf automake gcc libc6-dev libcurl4-openssl-dev libfcgi-dev \
	libhiredis-dev \
	libjansson-dev libjwt-dev libpcre2-dev libpq-dev libsodium-dev \
	libsqlite3-dev libssl-dev libutf8proc-dev make pkg-config
COPY . /src
WORKDIR /src
RUN ./autogen.sh \
    && ./configure --prefix=/usr --sysconfdir=/etc \
	--with-sqlite --with-postgres --with-redis --with-curl \
    && make -j"$(nproc)" \
    && sh tests/tools/hardened.sh ./fcgiauthd ./fcgiauthctl \
    && make install-strip DESTDIR=/image \
    && rm -r /image/usr/share

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
	ca-certificates libcurl4 libhiredis0.14 libjansson4 libjwt0 libpcre2-8-0 \
	libpq5 libsodium23 libsqlite3-0 libssl3 libutf8proc2 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 65532 -g 65532 -m 0700 /var/lib/fcgiauth \
    && install -d -o 65532 -g 65532 -m 0755 /run/fcgiauth
COPY --from=build /image/ /
USER 65532:65532
VOLUME /var/lib/fcgiauth
EXPOSE 9000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/sbin/fcgiauthd"]
CMD ["-c", "/etc/fcgiauth/fcgiauth.ini"]
