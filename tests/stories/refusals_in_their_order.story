# An enqueue is refused by the first reason of: expired, draining, unique, full; a replay comes before all of them.
t=0   enqueue    a queue=mail unique=k key=once body=x    -> a ready
t=0   configure  mail max_depth=1                         -> ok
t=0   enqueue    b queue=mail unique=k on_conflict=reject -> refused unique_conflict
t=0   enqueue    b queue=mail                             -> refused queue_full
t=0   drain      mail                                     -> ok
t=0   enqueue    b queue=mail unique=k on_conflict=reject -> refused queue_draining
t=1s  enqueue    b queue=mail unique=k on_conflict=reject expires_at=1s -> refused expired
t=1s  enqueue    b queue=mail key=once body=x unique=k expires_at=1s -> replayed, a ready
t=1s  enqueue    b queue=mail key=once body=y unique=k    -> refused idempotency_mismatch
