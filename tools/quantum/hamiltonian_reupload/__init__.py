"""A few-qubit classifier that embeds each image as a Hamiltonian and uploads it again in every layer."""
