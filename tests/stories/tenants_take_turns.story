# Tenants share a queue by turns, however many jobs one of them has waiting.
t=0   enqueue  a b c d queue=mail fair=x -> a ready
t=1s  enqueue  e f queue=mail fair=y     -> e ready
t=2s  lease    mail max=9 by w1          -> a leased #1, e leased #1, b leased #1, f leased #1, c leased #1, d leased #1
