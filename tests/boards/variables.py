"""Values for a board's variables, as somebody who opens it and picks one container would have them."""

import queries

PLAIN_TYPES = ("custom", "textbox", "constant", "interval")


def chosen_values(board, ask, wanted):
    """(variable -> value, names of the variables that list nothing). ask(PromQL) gives [{"metric": labels, ...}];
    `wanted` is what is picked where a variable lists it, else its first value; "All" stays what it stands for."""
    values, empty = {}, []
    for variable in board.get("templating", {}).get("list", []):
        name, query = variable["name"], queries.variable_query(variable)
        if not query:
            if variable.get("type") in PLAIN_TYPES:
                current = (variable.get("current") or {}).get("value") or variable.get("query", "")
                values[name] = str(current).split(",")[0]
            continue
        known = queries.known_values(board, values)
        expression = queries.promql_of(queries.substitute(query, known, f"variable {name}"))
        found = sorted({value for row in ask(expression) for key, value in row["metric"].items() if key != "__name__"})
        if not found:
            empty.append(name)
        if not variable.get("includeAll"):
            values[name] = wanted[name] if wanted.get(name) in found else (found or [".*"])[0]
    return values, empty
