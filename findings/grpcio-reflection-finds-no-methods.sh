#!/usr/bin/env bash
# Library:  grpcio-reflection 1.81.1 (with grpcio and grpcio-health-checking 1.81.1), grpcurl 1.9.4
# Expected: reflection answers for every symbol of a service, its methods too, as Go's, Java's and C++'s servers do.
# Seen:     it asks protobuf's pool for the file of a symbol, and the pool knows no methods: NOT_FOUND. Services and messages are found.
# Matters:  `grpcurl describe package.Service.Method`, and any tool that asks for a method's name, fails with a server that serves it.
# We:       give reflection a pool that also answers for methods.
# Output:   describe grpc.health.v1.Health: grpc.health.v1.Health is a service:
#           describe grpc.health.v1.Health.Check: Failed to resolve symbol "grpc.health.v1.Health.Check": Symbol not found: grpc.health.v1.Health.Check
#           the same, with a pool that asks FindMethodByName too: grpc.health.v1.Health.Check is a method:
set -euo pipefail
here=$(mktemp -d); server=; trap 'test -z "$server" || kill "$server"; chmod -R u+w "$here"; rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check grpcio==1.81.1 grpcio-reflection==1.81.1 grpcio-health-checking==1.81.1
GOPATH="$here/go" GOBIN="$here" go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4 2> log || { tail -5 log; exit 1; }
cat > serve.py <<'P'
from concurrent.futures import ThreadPoolExecutor
import grpc
from google.protobuf import descriptor_pool
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection


class Pool:
    """Protobuf's own pool, that is asked for methods as well."""

    def __init__(self):
        self.pool = descriptor_pool.Default()

    def __getattr__(self, name):
        return getattr(self.pool, name)

    def FindFileContainingSymbol(self, name):
        try:
            return self.pool.FindFileContainingSymbol(name)
        except KeyError:
            return self.pool.FindMethodByName(name).containing_service.file


servers = []
for more in ({}, {"pool": Pool()}):
    server = grpc.server(ThreadPoolExecutor(4))
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    reflection.enable_server_reflection([health.SERVICE_NAME, reflection.SERVICE_NAME], server, **more)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    servers.append(server)
servers[0].wait_for_termination(120)
P
v/bin/python serve.py > ports & server=$!
for _ in $(seq 100); do test "$(wc -l < ports)" = 2 && break; sleep 0.1; done
describe() { { ./grpcurl -plaintext "127.0.0.1:$1" describe "$2" 2>&1 || true; } | sed -n 1p; }
stock=$(sed -n 1p ports); mended=$(sed -n 2p ports)
service=$(describe "$stock" grpc.health.v1.Health)
method=$(describe "$stock" grpc.health.v1.Health.Check)
with=$(describe "$mended" grpc.health.v1.Health.Check)
echo "describe grpc.health.v1.Health: $service"
echo "describe grpc.health.v1.Health.Check: $method"
echo "the same, with a pool that asks FindMethodByName too: $with"
[[ $service == *"is a service:" && $method == *"not found"* && $with == *"is a method:" ]]
