"use strict";

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  defaultModelsExpandDepth: 0, // the list of components, folded: the operations come first
  displayRequestDuration: true,
  validatorUrl: null, // the badge would send this document to a server elsewhere
});
