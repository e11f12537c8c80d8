"""The model server that the local artifact example starts: `python -m app.serve`."""
