def array_of(body, depth=2):
    """The dotted path and the length of the list in a JSON body."""
    if isinstance(body, list):
        return "", len(body)
    if isinstance(body, dict) and depth:
        usual = ["results", "data", "items", "objects"]
        keys = sorted(body, key=lambda k: usual.index(k) if k in usual else len(usual))
        for key in keys:
            if isinstance(body[key], list) and "." not in key:
                return key, len(body[key])
        for key in usual:
            found = array_of(body.get(key), depth - 1)
            if found:
                return (key + "." + found[0]).rstrip("."), found[1]
    return None
