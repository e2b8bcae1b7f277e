# A payload may be bytes of any media type; what replaces it brings a type of its own, or none.
t=0   enqueue  a queue=mail type=image/png                                -> a ready (type image/png)
t=0   enqueue  b queue=pics unique=k on_conflict=replace type=image/png   -> b ready (type image/png)
t=1s  enqueue  c queue=pics unique=k on_conflict=replace bytes=9          -> replaced, b ready (type none, bytes 9)
t=2s  enqueue  d queue=pics unique=k on_conflict=replace type=text/plain  -> replaced, b ready (type text/plain, bytes 2)
t=3s  lease    mail by w1                                                 -> a leased #1 (type image/png)
t=4s  nack     a #1 in=0s                                                 -> a retrying
t=4s  tick                                                                -> a ready (type image/png)
