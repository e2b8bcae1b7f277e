"""`headrace alert-relay`: from Alertmanager's webhook to what a robot of WeCom or DingTalk is told."""
