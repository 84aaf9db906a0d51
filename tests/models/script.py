"""Upstream services that answer as they are told, and remember what they were asked."""

import json
import threading

from tests.http_servers import Reply


class Script:
    """Answers by path: a reply, a list of them to be used up, or a function of the path."""

    def __init__(self, **answers):
        self.answers = answers
        self.paths = []
        self.at_once = self.at_once_most = 0
        self._lock = threading.Lock()

    def __call__(self, request):
        with self._lock:
            self.paths.append(request.path)
            self.at_once += 1
            self.at_once_most = max(self.at_once, self.at_once_most)
        try:
            return self._reply(request.path)
        finally:
            with self._lock:
                self.at_once -= 1

    def _reply(self, path):
        answer = self.answers.get(path.rsplit("/", 1)[-1], Reply(404))
        if isinstance(answer, list):
            with self._lock:
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer(path) if callable(answer) else answer

    def calls(self, part):
        return sum(part in path for path in self.paths)


def ok(value):
    return Reply(body=(value if isinstance(value, str) else json.dumps(value)).encode())
