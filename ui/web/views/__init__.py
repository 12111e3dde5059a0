"""The pages, one module each; each has a function `page` that draws it. (In a folder called "pages", Streamlit would serve them
by itself, past the door.)"""
