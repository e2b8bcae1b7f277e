# The same key with another request is refused and writes nothing (G3).
t=0     enqueue  a queue=mail key=k body=x     -> a ready
t=1s    enqueue  b queue=mail key=k body=y     -> refused idempotency_mismatch, b gone, a ready
t=1s    enqueue  b queue=mail key=l body=y     -> b ready
