"""The dashboards of docker/grafana and the autoscaling of docker/keda and docker/hpa."""
