# /// lethe
# { "schema": 1, "id": "test.autograd", "version": "1.0.0", "abi": {"generation": 1, "min_minor": 0}, "platform": "any",
#   "strategies": [{"id": "test.autograd", "role": "lethe.objective/1", "streams": ["retain"],
#     "schedules": ["retain-only"], "params": []}] }
# ///
import lethe
import torch


@lethe.strategy("test.autograd")
class Autograd(lethe.Objective):
    arrays = "torch"

    def terms(self, batch):
        losses = torch.nn.functional.cross_entropy(batch.outputs, batch.labels, reduction="none")
        return [lethe.Term("retain", losses[batch.retain])]
