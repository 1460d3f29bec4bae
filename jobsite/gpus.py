"""The GPUs that the driver lets this process use, counted through NVML.

/proc lists every card of the machine, also those that a container was not given; NVML counts the others,
in the order of the bus, which is the order that CUDA_DEVICE_ORDER=PCI_BUS_ID makes programs keep to.
"""

from importlib import import_module


def usable(listed: int) -> int:
    """How many of the listed ones; all of them where the driver's library cannot be asked."""
    if not listed:
        return 0
    nvml = import_module("pynvml")  # large, and of no use without a card
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return listed
    try:
        return min(listed, int(nvml.nvmlDeviceGetCount()))
    except nvml.NVMLError:
        return listed
    finally:
        nvml.nvmlShutdown()
