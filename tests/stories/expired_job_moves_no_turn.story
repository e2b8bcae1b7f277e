# A job that expired in the line leaves its tenant the turn that it had.
t=0    enqueue  a queue=mail fair=x expires=10s -> a ready
t=0    enqueue  b queue=mail fair=x             -> b ready
t=0    enqueue  c queue=mail fair=y             -> c ready
t=20s  lease    mail tick=no by w1              -> b leased #1, a cancelled
t=20s  lease    mail tick=no by w1              -> c leased #1
