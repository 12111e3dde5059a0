from tools.contract import Frozen, Tool, quantity
from tools.registry import AnyTool, all_tools
from tools.retrieve import retrieve


class Anything(Frozen):
    data: list[float] = quantity("1", "The data")


class Toy(Tool[Anything, Anything]):
    """Takes anything."""


def toy(name: str, doc: str, keywords: str) -> AnyTool:
    return type(name, (Toy,), {"__doc__": doc, "name": name, "source": "none", "keywords": tuple(keywords.split(", "))})


# One line for each method the tools are built from, and a question that a person with that need would ask.
METHODS: list[tuple[str, str, str, str]] = [
    (
        "solve_dc_opf",
        "Cheapest generator dispatch of a power grid within its line limits: DC optimal power flow.",
        "electricity, MW, outage, congestion, price, wind",
        "What does the cheapest dispatch of the IEEE 30-bus grid cost at 115 % load, and which lines limit it?",
    ),
    (
        "track_beliefs",
        "Predictive coding network: tracks Gaussian beliefs and volatility of a time series with a hierarchical filter.",
        "Bayesian, surprise, uncertainty, learning rate",
        "Fit a hierarchical Gaussian filter to this participant's choices and tell me how volatile she believed the world was.",
    ),
    (
        "pressure_diffusion",
        "Pressure around a well in porous rock by a physics-informed network for the diffusivity equation, and its inversion.",
        "reservoir, permeability, well test, transmissivity, aquifer, pumping",
        "I have 24 h of flowing bottom-hole pressure; what is the permeability and how far is the sealing boundary?",
    ),
    (
        "decode_spikes",
        "Decodes what an animal saw from spikes of its visual cortex with a deep neural network.",
        "neurons, stimulus, mouse, population, spike counts",
        "Here is a trials x units x time spike-count array and the stimulus labels: how well can the stimulus be read out?",
    ),
    (
        "correct_aberration",
        "Restores a microscope image and gives the Zernike coefficients of its optical aberration from three defocused planes.",
        "wavefront, astigmatism, deformable mirror, blur",
        "How much astigmatism is in this microscope stack and what does the clean image look like?",
    ),
    (
        "forecast_air_quality",
        "Forecasts air pollutant concentration at all stations of a network from recent readings and wind.",
        "PM2.5, pollution, smog, sensor",
        "What will PM2.5 be at each Beijing station tomorrow if the wind turns south?",
    ),
    (
        "ensemble_wiring",
        "Sparse group-to-group wiring of a neural network, taken from ensembles of visual cortex, with Hebbian rewiring.",
        "modular, sparse layer, weights",
        "Does modular wiring beat random wiring at equal sparsity on my classifier?",
    ),
    (
        "hamiltonian_classifier",
        "Classifies small images with a quantum circuit that uses the image as a Hamiltonian and re-uploads it.",
        "qubit, embedding, data re-uploading, quantum convolution",
        "Can a 5-qubit circuit tell these clothing types apart, and how many re-uploading layers does it need?",
    ),
    (
        "detect_expressions",
        "Finds every face in a picture and names its facial expression with a Mamba detector.",
        "emotion, anger, surprise, people, faces",
        "Count how many people in this scene look surprised and where they are.",
    ),
    (
        "relational_reasoning",
        "Solves graph problems by refining a vector for every node pair, as Floyd and Warshall refine distances.",
        "tour, travelling salesman, shortest path, cycles, routing",
        "Find the best delivery tour in this travel-time matrix and tell me if it is optimal.",
    ),
    (
        "test_interpretability",
        "Tests an interpretability finding against networks that learned nothing: p-value, effect size, identifiability.",
        "probe, saliency, null, significance, explanation",
        "Is my probe result real or would an untrained net show it too?",
    ),
    (
        "mix_adapters",
        "Mixes low-rank adapter experts of a language model token by token (X-LoRA).",
        "LoRA, fine-tune, gate, expert, corpora",
        "I have corpora for four domains: train experts and a gate, and tell me whether mixing beats picking one LoRA.",
    ),
    (
        "deblur_motion",
        "Removes motion blur from a photo with features that evolve under an advection-diffusion equation.",
        "sharpen, shaky, camera, restoration",
        "Deblur this shaky photo of a licence plate before the detector runs.",
    ),
    (
        "index_powder_pattern",
        "Crystal system, space group and lattice parameters from a powder X-ray diffraction pattern.",
        "XRD, crystallography, diffractogram, Rietveld, cubic",
        "Index this XRD scan: what lattice is it and is the product still cubic?",
    ),
    (
        "fuse_images",
        "Fuses two registered images of one scene into one: multi-exposure, multi-focus, medical, infrared and visible.",
        "merge, exposure, MRI, PET, HDR",
        "Merge the bright and the dark exposure of this scene into one picture.",
    ),
    (
        "audit_agent",
        "Audits an AI system with eight probes of its limits, each with controls that can tell systems apart.",
        "AGI, benchmark, generalisation, composition, memory, scaling",
        "Does my agent really use what it learned in this conversation or is it a static map?",
    ),
    (
        "compact_classifier",
        "Trains a small convolutional image classifier that mixes two receptive fields and a wave-like channel gate.",
        "parameters, FLOPs, accuracy, efficient block",
        "Train the most accurate classifier under 0.3 M parameters on this image set.",
    ),
    (
        "wide_network_theory",
        "Predicts kernels, fluctuations and criticality of an ensemble of networks before training from width and depth.",
        "initialisation, NTK, activation, finite width, seeds",
        "Which initialisation keeps a 40-layer GELU MLP trainable?",
    ),
    (
        "spike_timing_detector",
        "Learns a spatial pattern from one example with spike-timing plasticity and homeostasis, without gradients.",
        "STDP, spiking, packet, one-shot, neuromorphic",
        "Learn this packet header from one example and flag near copies in the stream.",
    ),
    (
        "cortical_classifier",
        "Image classifier organised like the primate visual cortex, with two streams and top-down predictions.",
        "what and where, feedback, robustness, occlusion",
        "Does top-down feedback help on occluded objects, compared with a plain CNN?",
    ),
    (
        "lattice_forces",
        "Electronic forces on a lattice by an equivariant network, to simulate a charge-density-wave quench.",
        "Holstein, CDW, domain growth, exact diagonalisation",
        "Quench the Holstein model to T = 0.05 on 100x100 sites and show how the domains grow.",
    ),
    (
        "bandlimited_bound",
        "Lower bound on the error of a shallow network with random bandlimited weights, and a weight range that works.",
        "extreme learning machine, ELM, RVFL, random features, plateau",
        "My extreme learning machine plateaus at 6 % however many neurons I add: why?",
    ),
    (
        "coarse_grained_md",
        "Coarse-grained molecular dynamics of proteins with a fast SchNet energy model.",
        "simulate, peptide, force field, replica, Ramachandran",
        "Simulate 64 replicas of this peptide with the learned force field and give me the free energy.",
    ),
    (
        "decode_eeg",
        "Decodes motor planning from EEG with a graph network over electrodes and explains which of them matter.",
        "brain, electrodes, movement, reinforcement, hand",
        "Can we tell from pre-movement EEG which hand comes next, and which electrodes say so?",
    ),
    (
        "neural_operator",
        "Turns ordinary networks into neural operators, trained on one grid and evaluated on another.",
        "function space, resolution, discretisation, U-Net, vorticity, Fourier",
        "Learn the map from forcing to vorticity and predict on a grid twice as fine.",
    ),
    (
        "design_cnn",
        "Designs a convolutional network for a parameter and FLOP budget by constrained optimisation, without training.",
        "architecture, depth, width, kernel, search, ResNet",
        "Give me the best CNN architecture under 20 MFLOPs for 28x28 images without training.",
    ),
    (
        "noether_dynamics",
        "Symmetries of a network's loss, their Noether charges during training, and the laws of motion they obey.",
        "batch norm, effective learning rate, weight decay, momentum, conserved",
        "Why does my batch-norm network's effective learning rate drift under weight decay?",
    ),
    (
        "compare_sequence_mixers",
        "Writes attention, state space models and recurrent networks as one linear recurrence, and compares them on recall.",
        "Mamba, transformer, state size, SSM, RNN, linear attention",
        "Will a state-space model with state size 32 remember 16 key-value pairs, or do I need attention?",
    ),
    (
        "fill_blanks",
        "Fills any blanks of a sequence in parallel with speculative decoding that is an exact sample of the model.",
        "infill, gap, missing, masked, text, log",
        "Fill the gaps in this corrupted log and give the joint probability of each filling.",
    ),
    (
        "canonize_graphs",
        "Canonical ordering of graphs, so that a graph network tells all non-isomorphic graphs apart, and its stability.",
        "isomorphic, isomorphism, labelling, genes",
        "Are these two graphs isomorphic, and give me canonical labels?",
    ),
    (
        "hybrid_quantum_classifier",
        "Hybrid quantum and classical image classifier: a small CNN with parallel quantum circuits, or a quantum kernel.",
        "qubits, noise, shots, depolarising, advantage",
        "Train a hybrid quantum network and tell me honestly what happens with 1 % depolarising noise.",
    ),
    (
        "forecast_ocean",
        "Forecasts ocean temperature, salinity, currents and sea level for ten days.",
        "sea surface height, eddies, drifter, basin, GLORYS",
        "Where will a drifter released here be on day 6, given the currents of this basin?",
    ),
    (
        "find_symmetry",
        "Tests which symmetries a task or a model respects, and prescribes the equivariant architecture.",
        "invariant, rotation, group, equivariance, geometric deep learning",
        "Is this trained model rotation-invariant, and where does it break?",
    ),
    (
        "learn_sparse_connections",
        "Trains weights and a connection mask together, so that each layer finds its own sparsity.",
        "prune, pruning, shrink, compress",
        "Shrink this classifier below 5 % of its weights and lose at most half a point.",
    ),
    (
        "explain_by_pullback",
        "Explains a network's output for one image by a softened gradient, a semantic pullback.",
        "saliency, attribution, why, perturbation, faithful",
        "Why did the model say sneaker, and what would make this image a boot?",
    ),
    (
        "match_representations",
        "Compares hidden units of independently trained networks: which have a twin in the other.",
        "convergent learning, seeds, correlation, similarity, merge",
        "Do my five seeds learn the same features, and at which layer do they diverge?",
    ),
    (
        "learn_operator",
        "Learns a nonlinear operator of a differential equation from examples: DeepONet with branch and trunk nets.",
        "surrogate, response, forcing, pendulum, reaction-diffusion, ODE",
        "Build a surrogate of this reaction-diffusion simulator from 500 runs and answer at any point.",
    ),
    (
        "continual_optimizer",
        "Optimizer for learning task after task without forgetting, by adjustment suppression and sparsity.",
        "continual learning, catastrophic forgetting, EWC, fine-tune",
        "Fine-tune this classifier on the new product line without forgetting the old one.",
    ),
    (
        "dense_associative_memory",
        "Dense Hebbian associative memory of archetypes seen through noisy examples: theory and simulation of retrieval.",
        "Hopfield, storage, phase diagram, replica, pattern",
        "How many archetypes can a dense Hopfield network store and retrieve at this noise?",
    ),
    (
        "prototype_classifier",
        "Image classifier that explains each prediction by its distance to learned prototypes.",
        "case-based reasoning, typical example, evidence, decode",
        "Classify these garments and show which typical example drove each decision.",
    ),
    (
        "infinite_network_classifier",
        "Classifier that an infinitely wide and deep network converges to, in closed form: neighbour, vote or singular kernel.",
        "NTK, Bayes, consistency, activation, table, no training",
        "Classify this table without training anything and with a consistency guarantee.",
    ),
]
TOOLS = [toy(name, doc, keywords) for name, doc, keywords, _ in METHODS]


def rank(question: str, name: str) -> int:
    return [tool.name for tool in retrieve(question, TOOLS, len(TOOLS))].index(name)


def test_the_right_one_of_41_tools_is_among_the_first_five() -> None:
    ranks = [rank(question, name) for name, _, _, question in METHODS]
    assert len(METHODS) == 41
    assert sum(place < 5 for place in ranks) >= 0.95 * len(ranks)
    assert sum(place == 0 for place in ranks) >= 0.8 * len(ranks)


def test_a_tool_named_outright_comes_first() -> None:
    for name in ("learn_operator", "fill_blanks"):
        assert retrieve(f"use {name} on the power grid dispatch with cheapest cost", TOOLS, 1)[0].name == name
    assert retrieve("Please run Solve DC OPF on the ocean temperature", TOOLS, 1)[0].name == "solve_dc_opf"


def test_it_tells_two_tools_apart() -> None:
    grid = TOOLS[0]
    calculate = all_tools()["calculate"]
    assert retrieve("What does the cheapest dispatch of case118 cost?", [calculate, grid], 1) == [grid]
    assert retrieve("Convert 3.5 MW for two hours to kWh", [grid, calculate], 1) == [calculate]
    assert retrieve("What is 17 % of 2,340?", [grid, calculate], 2)[0] == calculate


def test_the_order_of_the_tools_does_not_matter_and_words_that_fit_nothing_still_give_a_list() -> None:
    assert (
        retrieve("xyzzy", TOOLS, 3) == retrieve("xyzzy", reversed(TOOLS), 3) == sorted(TOOLS, key=lambda t: t.name)[:3]
    )
    assert retrieve("", [], 3) == []


def test_questions_put_in_other_words_than_a_tool_s_own_find_it() -> None:
    """The words of its worked questions count as well: nothing else of the tool speaks of losing and raising."""
    asked = "Losing line 4-7 of the Atlantis 50-bus network would raise its hourly cost by how much?"
    assert [tool.name for tool in retrieve(asked, all_tools().values(), 3, 0.5)] == ["solve_dc_opf"]
