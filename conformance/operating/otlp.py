"""A collector in Jaeger's place: takes traces over gRPC at port 4317 and prints `SERVICE NAME` of each span. Reads the little of the
protocol buffers that this needs itself, so that it shares nothing with what sends them."""
import concurrent.futures
import sys
import threading

import grpc


def fields(data):
    """Number and value of each field of a message: bytes of a length, or a number."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        match key & 7:
            case 0:
                yield key >> 3, number()
            case 1:
                at += 8
            case 2:
                length = number()
                yield key >> 3, data[at:at + length]
                at += length
            case 5:
                at += 4


def one(data, *path):
    for wanted in path:
        data = next((value for number, value in fields(data) if number == wanted), b"")
    return data


def take(request, _):
    for _, resource_spans in fields(request):
        parts = list(fields(resource_spans))
        service = next(one(value, 2, 1).decode() for number, resource in parts if number == 1
                       for field, value in fields(resource) if field == 1 and one(value, 1) == b"service.name")
        for number, scope in parts:
            for field, span in fields(scope) if number == 2 else ():
                if field == 2:
                    print(service, one(span, 5).decode(), flush=True)
    return b""


METHOD = "opentelemetry.proto.collector.trace.v1.TraceService"
server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(METHOD, {"Export": grpc.unary_unary_rpc_method_handler(take)}),))
if server.add_insecure_port("127.0.0.1:4317") == 0:
    sys.exit("4317 is in use")
server.start()
print("ready", flush=True)
threading.Event().wait()
