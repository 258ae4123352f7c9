// Stands in for react-devtools-core in the bundle: ink imports it statically and never calls it outside development.
export default { initialize() {}, connectToDevTools() {} }
