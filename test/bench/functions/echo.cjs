// Gives back what it got: a large event both ways.
exports.handler = async (event) => event;
