"""Questions in plain words with the calls that answer them: how a small model learns to use `train_hamiltonian_reupload`."""

from tools.contract import Worked

WORKED = (
    Worked(
        question="How accurate is a 4-layer Hamiltonian re-uploading classifier on the handwritten digits 0 to 3 after 8 epochs?",
        asked="how accurate is the classifier",
        given="handwritten digits 0 to 3, 4 layers, 8 epochs",
        calls=({"dataset": "digits", "classes": "0 to 3", "layers": 4, "epochs": 8, "baselines": []},),
        answers=("a.test_accuracy",),
    ),
    Worked(
        question="By how much does the re-uploading circuit with 5 layers beat a quantum CNN on digits, trained for 12 epochs?",
        asked="by how much does it beat a quantum CNN",
        given="digits, 5 layers, 12 epochs",
        calls=({"dataset": "digits", "layers": 5, "epochs": 12, "baselines": ["qcnn"]},),
        answers=("a.test_accuracy - a.qcnn_accuracy",),
    ),
    Worked(
        question="How many more parameters does the full block have than the brickwork block with 6 layers on digits?",
        asked="how many more parameters does the full block have than brickwork",
        given="digits, 6 layers",
        compare="difference",
        calls=(
            {"dataset": "digits", "layers": 6, "block": "su_full", "baselines": []},
            {"dataset": "digits", "layers": 6, "block": "brickwork", "baselines": []},
        ),
        answers=("a.parameters - b.parameters",),
    ),
    Worked(
        question="Does logistic regression beat a 3-layer re-uploading circuit on digits 2, 5 and 7? Give both accuracies.",
        asked="both accuracies, logistic regression and the circuit",
        given="digits 2, 5 and 7, 3 layers",
        calls=({"dataset": "digits", "classes": "2, 5 and 7", "layers": 3, "baselines": ["logistic"]},),
        answers=("a.logistic_accuracy", "a.test_accuracy"),
    ),
    Worked(
        question="Which digit does an 8-layer brickwork circuit recognise worst with seed 3 and a learning rate of 0.05?",
        asked="which digit is recognised worst",
        given="digits, 8 layers, brickwork, seed 3, learning rate of 0.05",
        calls=(
            {
                "dataset": "digits",
                "layers": 8,
                "block": "brickwork",
                "learning_rate": 0.05,
                "seed": 3,
                "baselines": [],
            },
        ),
        answers=("a.worst_class",),
    ),
)
