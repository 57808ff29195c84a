def summary_markdown(rows, pictures):
    return ""


def plot(path, rows, pictures):
    pass
