"""Hooks of schemathesis: requests meet with something that is there, and none of them saws off the branch that it sits on."""

import json, random

import schemathesis

# (what stands in a path is encoded already)
VHOSTS = ["%2F", "one"]
NAMES = ["a", "b", "amq.topic"]
KEPT = {"guest", "fuzz"}
# What a path names is mostly one of a few, so that one request finds what another made.
FEW = {
    "vhost": VHOSTS, "name": NAMES, "queue": NAMES, "source": NAMES, "destination": NAMES, "exchange": NAMES, "user": ["ann", "bob"],
    "props": ["~", "a", "k"], "component": ["vhost-limits", "x"], "unit": ["days", "months"], "within": ["1", "1000"], "port": ["5672"],
    "protocol": ["amqp", "http"], "pattern": [".*"], "id": ["1", "2"],
}


def is_harmful(case):
    """Deletes the virtual host that all is in, or changes the user that asks."""
    path, parameters = case.operation.path, case.path_parameters or {}
    if case.method.upper() in ("GET", "HEAD", "OPTIONS"):
        return False
    if path == "/api/vhosts/{vhost}" and str(parameters.get("vhost")) in ("%2F", "/"):
        return True
    if str(parameters.get("user")) in KEPT:
        return True
    try:
        body = json.dumps(case.body, default=str)
    except (TypeError, ValueError):
        body = str(case.body)
    return any(f'"{user}"' in body for user in KEPT)


@schemathesis.hook
def map_case(context, case):
    parameters = case.path_parameters
    if isinstance(parameters, dict):
        choose = random.Random(repr(sorted(parameters.items(), key=str)))
        for name in parameters:
            if name in FEW and choose.random() < 0.8:
                parameters[name] = choose.choice(FEW[name])
    return case


@schemathesis.hook
def filter_case(context, case):
    return not is_harmful(case)


@schemathesis.hook
def before_call(context, case, kwargs):
    # Phases that make their cases in other ways end here as well.
    if is_harmful(case):
        case.path_parameters = {**(case.path_parameters or {}), "user": "ann", "vhost": "one"}
        case.body = {}
