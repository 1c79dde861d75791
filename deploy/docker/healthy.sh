#!/bin/bash
# Health probe: healthy [/readyz]. It succeeds if the service in this container answers 200. It runs every few seconds in every
# container, so it is bash: 4 ms of processor time, where a start of Python takes 100.
exec 3<> "/dev/tcp/127.0.0.1/${EDGELOOP_HTTP_PORT}" || exit 1
printf 'GET %s HTTP/1.0\r\n\r\n' "${1:-/readyz}" >&3
# Read to the end, or the service logs a broken connection.
IFS= read -r -d '' -t 4 answer <&3
[[ ${answer%%$'\n'*} == *' 200 '* ]]
