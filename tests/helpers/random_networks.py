"""Residual networks with random weights, for tests of what computes with them."""

from accumbens.models.disrnn.residual_mlp import ResidualMLPs


def random_mlps(normal, n_nets, n_inputs, n_units, n_layers, n_outputs, activation):
    """Weights of about the size of a trained network's.

    normal: draws an array of these sizes, multiplied by `scale`.
    """
    fan_in = n_units**-0.5
    return ResidualMLPs(
        w_in=normal(n_nets, n_units, n_inputs, scale=n_inputs**-0.5),
        b_in=normal(n_nets, n_units, scale=0.3),
        w_hidden=normal(n_layers, n_nets, n_units, n_units, scale=fan_in),
        b_hidden=normal(n_layers, n_nets, n_units, scale=0.3),
        w_out=normal(n_nets, n_outputs, n_units, scale=fan_in),
        b_out=normal(n_nets, n_outputs, scale=0.3),
        activation=activation,
    )
