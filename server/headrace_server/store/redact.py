"""URLs of stores without their secrets, fit for logs and messages."""

from urllib.parse import parse_qsl, urlencode, urlsplit

HIDDEN = "***"
SECRET_OPTIONS = frozenset({"password", "ssl_password"})  # redis-py takes them from the query as well


def redact(url: str) -> str:
    """Return `url` with every password replaced by ***; a text that is no URL becomes a fixed word."""
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
    except ValueError:
        return "(a URL that cannot be read)"
    if not parts.scheme:
        return "(a URL that cannot be read)"
    place = parts.netloc
    if has_password:
        login, _, host = place.rpartition("@")
        place = f"{login.partition(':')[0]}:{HIDDEN}@{host}"
    query = f"?{_redact_query(parts.query)}" if parts.query else ""
    return f"{parts.scheme}://{place}{parts.path}{query}"


def _redact_query(query: str) -> str:
    options = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, HIDDEN if name in SECRET_OPTIONS else value) for name, value in options], safe="*/")
