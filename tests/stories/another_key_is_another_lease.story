# A new key, or the same key of another worker, takes new jobs and hides the old record (G9).
t=0     enqueue  a b c d queue=mail            -> a ready
t=0     lease    mail by w1 key=k              -> a leased #1
t=1s    lease    mail by w2 key=k              -> b leased #1
t=2s    lease    mail by w1 key=l              -> c leased #1
t=3s    lease    mail by w1 key=l              -> replayed, c leased #1
t=4s    lease    mail by w1                    -> d leased #1
