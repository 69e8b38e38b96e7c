"""What is known: how busy a pod is, in percent of the cpu that it requests."""
import cpa_worker


def metric(known):
    pod, cpu = known["resource"]["metadata"]["name"], known["kubernetesMetrics"][0]["resource"]
    if pod not in cpu["pod_metrics_info"]:
        return {"busy": None}  # it has not been measured yet
    return {"busy": round(100 * cpu["pod_metrics_info"][pod]["Value"] / cpu["requests"][pod])}


if __name__ == "__main__":
    cpa_worker.serve(metric)
