# The key of a list brings the jobs that it made before, and tries again those that were kept out (G3).
t=0   configure  mail max_depth=1                     -> ok
t=0   enqueue    a b queue=mail each=yes key=k body=x -> refused queue_full, a ready, b gone
t=1s  configure  mail max_depth=2                     -> ok
t=1s  enqueue    c d queue=mail each=yes key=k body=x -> replayed, a ready, d ready
t=2s  enqueue    e f queue=mail each=yes key=k body=x -> replayed, a ready, d ready
t=2s  enqueue    g h queue=mail each=yes key=k body=y -> refused idempotency_mismatch, g gone, h gone
t=3s  lease      mail max=9 by w1                     -> a leased #1, d leased #1
