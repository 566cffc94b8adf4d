"""A collector of OpenTelemetry that takes traces over gRPC."""

from concurrent.futures import ThreadPoolExecutor

import grpc
from support.receiver import Request

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class GrpcCollector:
    """A gRPC server on a port of its own. With a certificate and its key, it uses TLS."""

    def __init__(self, tls=None):
        self.tls = tls
        self.requests = []
        # What the next requests are answered with: a status code; then OK.
        self.plan = []
        self.answer = b""
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[self])
        if tls:
            certificate, key = (path.read_bytes() for path in tls)
            self.port = self._server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
        else:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @property
    def url(self):
        """The address to deliver to."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def service(self, call):
        """The handler of a call, as `grpc.GenericRpcHandler` has it."""
        headers = dict(call.invocation_metadata)
        return grpc.unary_unary_rpc_method_handler(
            lambda body, context: self._export(Request(call.method, headers, body), context)
        )

    def _export(self, request, context):
        if self.plan:
            context.abort(self.plan.pop(0), "not now")
        self.requests.append(request)
        return self.answer

    def stop(self):
        """Closes the port."""
        self._server.stop(0).wait()
