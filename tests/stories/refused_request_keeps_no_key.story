# A key is written with its effect only: after a refusal it may be used again (G3).
t=10s   enqueue  a queue=mail expires_at=9s key=k body=x -> refused expired, a gone
t=10s   enqueue  b queue=mail key=k body=y     -> b ready
