"""What ``/metrics`` says, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mlaoi_graph.server.kept import Kept
from mlaoi_graph.server.pool import Pool

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one server."""

    def __init__(self, pools: list[Pool], kept: Kept) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "mlaoi_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "mlaoi_request_seconds", "Time to the last byte.", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._registry.register(_Pools(pools, kept))
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. ``route`` and ``method`` are ours: a client cannot make series without end."""
        children = self._children.get((route, method, status))
        if children is None:
            children = self._requests.labels(route, method, str(status)), self._seconds.labels(route)
            self._children[route, method, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def text(self) -> bytes:
        """Return all figures."""
        return generate_latest(self._registry)


class _Pools(Collector):
    def __init__(self, pools: list[Pool], kept: Kept) -> None:
        self._pools = pools
        self._kept = kept

    def collect(self) -> Iterator[Metric]:
        workers = GaugeMetricFamily("mlaoi_workers", "Worker processes.", labels=["pool", "state"])
        waiting = GaugeMetricFamily("mlaoi_waiting", "Requests that wait for a worker.", labels=["pool"])
        started = CounterMetricFamily("mlaoi_workers_started", "Worker processes started.", labels=["pool"])
        ended = CounterMetricFamily(
            "mlaoi_workers_ended", "Worker processes ended within a request.", labels=["pool", "why"]
        )
        for pool in self._pools:
            workers.add_metric([pool.name, "busy"], pool.busy)
            workers.add_metric([pool.name, "idle"], pool.alive - pool.busy)
            waiting.add_metric([pool.name], pool.waiting)
            started.add_metric([pool.name], pool.figures.started)
            for why, number in pool.figures.killed.items():
                ended.add_metric([pool.name, why], number)
        yield from (workers, waiting, started, ended)
        yield CounterMetricFamily("mlaoi_answers_kept", "Answers that were given before.", value=self._kept.found)
        yield GaugeMetricFamily("mlaoi_kept_bytes", "Memory of answers kept.", value=self._kept.size)
