# The same call of the server again was asked once by its client: nothing of it is replayed (G3).
t=0   enqueue  a b queue=mail key=k body=x           -> a ready, b ready
t=1s  lease    mail by w1                            -> a leased #1
t=1s  enqueue  a b queue=mail key=k body=x again=yes -> a leased, b ready
t=2s  enqueue  c d queue=mail key=k body=x           -> replayed, a leased, b ready
