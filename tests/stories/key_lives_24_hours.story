# A key is known for 24 h at least, and forgotten within 30 h (G3).
t=0      enqueue  a queue=mail key=k body=x    -> a ready
t=24h    tick                                  -> a ready
t=24h    enqueue  b queue=mail key=k body=x    -> replayed, a ready
t=31h    tick                                  -> a ready
t=31h    enqueue  b queue=mail key=k body=x    -> b ready
