# An image of weir out of this repository: docker build -t weir . It holds the program, the libraries it needs and a
# user without rights; compose.yaml shows how to run it.
FROM debian:trixie-slim AS build
COPY . /src
# git tells the revision where the context has one.
RUN apt-get update && apt-get install -y --no-install-recommends git && /src/dev build && strip /src/build/weir

FROM debian:trixie-slim
# The last four are opened when they are needed: TLS of the endpoint, push and engines behind TLS (libcurl, and the
# authorities), remote write (libsnappy).
RUN apt-get update \
    && apt-get install -y --no-install-recommends libuv1t64 libyaml-0-2 libdeflate0 libyyjson0 \
       libssl3t64 libcurl4t64 ca-certificates libsnappy1v5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin weir \
    && install -d -o root -g weir -m 770 /var/lib/weir
COPY --from=build /src/build/weir /usr/bin/weir
USER weir
EXPOSE 10142
ENTRYPOINT ["/usr/bin/weir"]
