"""One URL in Locust, from users that each keep a pacing."""

import json
import os
import random

import gevent
from locust import FastHttpUser, constant_pacing, events, task

PERIOD_S = float(os.environ["BENCH_PERIOD_S"])
PATH = os.environ["BENCH_PATH"]


class Visitor(FastHttpUser):
    wait_time = constant_pacing(PERIOD_S)

    def on_start(self):
        # Locust starts all users of a second at once. Without this delay they would
        # send their requests in bursts.
        gevent.sleep(random.random() * PERIOD_S)

    @task
    def ask(self):
        self.client.get(PATH)


@events.quitting.add_listener
def tell(environment, **_):
    total = environment.stats.total
    figures = {
        "requests": total.num_requests,
        "failed": total.num_failures,
        "p50_ms": total.get_response_time_percentile(0.5),
        "p99_ms": total.get_response_time_percentile(0.99),
    }
    print(json.dumps(figures), flush=True)
