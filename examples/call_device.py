"""A request to a device with NVIDIA's stock client for the Open Inference Protocol.

    .venv/bin/python examples/call_device.py --address 127.0.0.1:9001 --model NAME

reads the model's inputs from the device, and sends one row of zeros, or the given values.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import tritonclient.grpc as oip
from tritonclient.utils import InferenceServerException


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="the device's gRPC address, host:port (`edgeloop status` lists them)")
    parser.add_argument("--model", required=True, help="name of the stream, which is that of its model")
    parser.add_argument("values", nargs="*", type=float, help="the row's features in order")
    arguments = parser.parse_args()
    try:
        ask(arguments)
    except InferenceServerException as error:
        sys.exit(f"{arguments.address}: {error.message()}")
    return 0


def ask(arguments: argparse.Namespace) -> None:
    """Send the request, and print the answer."""
    client = oip.InferenceServerClient(arguments.address)
    if not client.is_model_ready(arguments.model, client_timeout=5):
        sys.exit(
            f"{arguments.address} has no model for {arguments.model} yet (`edgeloop models` lists versions and the devices that run them)"
        )
    wanted = client.get_model_metadata(arguments.model, client_timeout=5).inputs[0]
    row = np.array([arguments.values or [0.0] * wanted.shape[-1]], np.float32)
    tensor = oip.InferInput(wanted.name, list(row.shape), wanted.datatype)
    tensor.set_data_from_numpy(row)
    answer = client.infer(arguments.model, [tensor], client_timeout=5)
    response = answer.get_response()
    if (number := answer.as_numpy("prediction")) is not None:  # of a regression
        print(f"answer        {number[0]}")
    else:
        print(f"answer        {answer.as_numpy('label')[0].decode()}")
        print(f"probabilities {np.round(answer.as_numpy('probabilities')[0], 3)}")
    adapter, epoch, seq = (response.parameters[f"edgeloop_{name}"].int64_param for name in ("adapter", "boot_epoch", "seq"))
    print(f"version       {response.model_version}")
    print(f"adapter       {adapter or 'none: the version alone'}")
    print(f"row           {epoch}/{seq}")


if __name__ == "__main__":
    sys.exit(main())
