# Giving back forgets the replay record: the same key asks for new jobs again (G9, G27).
t=0     enqueue  a queue=mail                  -> a ready
t=0     lease    mail by w1 key=k              -> a leased #1
t=1s    giveback by w1                         -> a ready
t=2s    lease    mail by w1 key=k              -> a leased #2
